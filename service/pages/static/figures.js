// The maker of figures: each change draws the preview anew; without scripts, a button does.

const form = document.querySelector(".maker");

form.addEventListener("change", () => {
  for (const field of form.elements) if (field.value === "") field.disabled = true;
  form.requestSubmit();
});

const preview = document.querySelector("[data-preview]");
preview?.addEventListener("error", explain);
if (preview?.complete && preview.naturalWidth === 0) explain();

async function explain() {
  const answer = await fetch(preview.src);
  if (answer.ok) return;
  const problem = await answer.json();
  document.getElementById("preview-problem").textContent = problem.errors.map((error) => error.message).join("; ");
  preview.hidden = true;
}
