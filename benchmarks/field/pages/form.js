// Photos in a plain form, which the browser sends as one request.
import { chosen, input } from "/visit.js";

globalThis.start = ({ action }) => {
  input.form.action = action;
  input.addEventListener("change", () => {
    chosen();
    input.form.submit();
  });
};
