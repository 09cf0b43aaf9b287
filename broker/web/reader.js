// Starts Swagger UI on the broker's own document; a file, since the page's policy runs no
// script that is written into it. Without the top bar, whose logo brings an inline style.
addEventListener("DOMContentLoaded", () => {
  const { SwaggerUIBundle } = globalThis;
  SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#swagger-ui",
    layout: "BaseLayout",
    deepLinking: true,
    presets: [SwaggerUIBundle.presets.apis],
    validatorUrl: null, // asks no other host what it thinks of the document
  });
});
