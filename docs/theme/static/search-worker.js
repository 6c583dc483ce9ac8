// Finds sections: the index is built from MkDocs' list of texts when somebody first looks for something.
importScripts("lunr.js");

const MOST = 12;
const OPENING = 500;
const BEFORE = 40;
const AFTER = 120;
let ready;

async function load(address) {
  const { config, docs } = await (await fetch(address)).json();
  // A page has the text of all its sections: they are found themselves, so its beginning is enough.
  for (const section of docs) if (!section.location.includes("#")) section.text = section.text.slice(0, OPENING);
  lunr.tokenizer.separator = new RegExp(config.separator);
  const index = lunr(function () {
    this.ref("location");
    this.field("title", { boost: 8 });
    this.field("text");
    for (const section of docs) this.add(section);
  });
  return { index, sections: new Map(docs.map((section) => [section.location, section])) };
}

function search(index, word) {
  const found = index.query((query) => {
    query.term(word, { boost: 10 });
    query.term(word, { boost: 3, usePipeline: false, wildcard: lunr.Query.wildcard.TRAILING });
    if (word.length > 4) query.term(word, { usePipeline: false, editDistance: 1 });
  });
  return new Map(found.map(({ ref, score }) => [ref, score]));
}

function find({ index, sections }, query) {
  const words = lunr.tokenizer(query).map(String);
  const scores = words.map((word) => search(index, word));
  const score = (ref) => scores.reduce((sum, found) => sum + found.get(ref), 0);
  const found = [...(scores[0]?.keys() ?? [])].filter((ref) => scores.every((each) => each.has(ref)));
  found.sort((one, other) => score(other) - score(one));
  return found.slice(0, MOST).map((ref) => {
    const { location, title, text } = sections.get(ref);
    const page = location.includes("#") ? sections.get(location.split("#")[0]).title : "";
    const at = Math.max(0, ...words.map((word) => text.toLowerCase().indexOf(word)));
    const length = words.find((word) => text.toLowerCase().startsWith(word, at))?.length ?? 0;
    const from = at > BEFORE ? text.indexOf(" ", at - BEFORE) + 1 : 0;
    return {
      location, title, page,
      before: (from > 0 ? "… " : "") + text.slice(from, at),
      match: text.slice(at, at + length),
      after: text.slice(at + length, at + length + AFTER),
    };
  });
}

onmessage = async ({ data }) => {
  if (data.index) ready = load(data.index);
  else postMessage({ query: data.query, results: find(await ready, data.query) });
};
