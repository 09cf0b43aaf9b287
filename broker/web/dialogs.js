// Questions to the user: one dialog each, answered once.

const byId = (id) => document.getElementById(id);

async function answerOf(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  return dialog.returnValue;
}

/** Ask whether to do what cannot be taken back. */
export async function sure({ title, text, yes }) {
  byId("sure-title").textContent = title;
  byId("sure-text").textContent = text;
  byId("sure-ok").textContent = yes;
  return (await answerOf(byId("sure"))) === "ok";
}

/** Ask for a token until there is one; `why` says what is wrong with the last. */
export async function askForToken(why) {
  const dialog = byId("sign-in");
  const field = byId("token");
  if (why) byId("sign-in-why").textContent = why;
  // There is nothing to do here without one.
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  do field.value = "";
  while ((await answerOf(dialog)) !== "ok" || !field.value.trim());
  return field.value.trim();
}
