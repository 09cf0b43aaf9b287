// Start Swagger UI with the broker's own document. This is a file because the page's policy forbids
// inline scripts. There is no top bar because its logo uses an inline style.
addEventListener("DOMContentLoaded", () => {
  const { SwaggerUIBundle } = globalThis;
  SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#swagger-ui",
    layout: "BaseLayout",
    deepLinking: true,
    presets: [SwaggerUIBundle.presets.apis],
    validatorUrl: null, // do not send the document to an online validator
  });
});
