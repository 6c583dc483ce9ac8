// Shows the OpenAPI document in Swagger UI, which loads nothing from other hosts.
window.addEventListener("DOMContentLoaded", () => {
  SwaggerUIBundle({
    url: "../openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    layout: "BaseLayout",
    presets: [SwaggerUIBundle.presets.apis],
    showCommonExtensions: true,
    showExtensions: true,
    tryItOutEnabled: true,
    validatorUrl: null,
  });
});
