// Photos through the upload broker, by its own client.
import { Broker } from "/client/broker.js";
import { chosen, ended, failed, input, ready, recorded } from "/visit.js";

globalThis.start = ({ baseUrl, token, ad }) => {
  const broker = new Broker({ baseUrl, token });
  input.addEventListener("change", async () => {
    chosen();
    const seen = new Set();
    const onProgress = ({ upload, phase }) => {
      if (!["processing", "done"].includes(phase) || seen.has(upload)) return;
      seen.add(upload);
      recorded();
    };
    const { uploads } = broker.uploadAll(input.files, { ad, onProgress });
    await Promise.all(uploads.map((upload) => upload.then(ready, failed)));
    ended();
  });
};
