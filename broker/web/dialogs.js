// Modal questions to the user.

const byId = (id) => document.getElementById(id);

async function answerOf(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  return dialog.returnValue;
}

/** Ask the user to confirm an action that cannot be undone. */
export async function askToConfirm({ title, text, yes }) {
  byId("sure-title").textContent = title;
  byId("sure-text").textContent = text;
  byId("sure-ok").textContent = yes;
  return (await answerOf(byId("sure"))) === "ok";
}

/** Ask for a token until the user enters one. `why` says what is wrong with the previous token. */
export async function askForToken(why) {
  const dialog = byId("sign-in");
  const field = byId("token");
  if (why) byId("sign-in-why").textContent = why;
  // The page cannot be used without a token, so Escape does not close the dialog.
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  do field.value = "";
  while ((await answerOf(dialog)) !== "ok" || !field.value.trim());
  return field.value.trim();
}
