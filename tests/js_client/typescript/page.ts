// Every call of docs/browser.md in TypeScript.
import { type ApiCode, type ApiUpload, Broker, BrokerError, type ClientCode, type Image, type Progress, type Resumable, UploadRejected, type User, placeholderOf, srcsetOf } from "@upload-broker/client";

export async function all(file: File, signal: AbortSignal): Promise<Image[]> {
  const broker = new Broker({ baseUrl: "https://broker.example", token: async ({ refused }) => (refused ? "fresh" : "token"), concurrency: 2 });
  const onProgress = ({ phase, loaded, total, upload }: Progress) => console.log(phase, loaded / total, upload.id);
  const upload = broker.upload(file, { ad: 1, altText: "front", order: 1, onProgress, signal });
  upload.pause();
  upload.resume();
  const cancelled: boolean = await upload.cancel();
  const me: User = await broker.me();
  const avatar: Image = await broker.upload(file, { user: me.id, transport: "put", again: true });
  new Broker({ token: () => "token" }); // the function may ignore its argument
  const uploads = broker.uploadAll([file], { ad: 1, each: (one, order) => ({ order, altText: String(one.size) }) });
  for (const one of uploads) one.catch((error: unknown) => {
    if (error instanceof BrokerError && error.code === "validation_error") console.log(error.errors, cancelled);
  });
  const [outcome] = await uploads;
  const left: Resumable[] = await broker.resumable({ ad: 1 });
  const resumed = await Promise.all(left.map((one) => broker.resume(one.id, file)));
  const recorded: Image | ApiUpload = await broker.upload(file, { ad: 1, waitFor: "recorded" });
  const image: Image = "state" in recorded ? await broker.whenReady(recorded.id, { signal }) : recorded;
  const source: [string, string, string | null] = [image.image_url, srcsetOf(image), placeholderOf(image)];
  console.log(source, me.avatar_image?.variants[0]?.width, left[0]?.processing);
  // @ts-expect-error with `recorded` the image may not be ready
  await broker.resume("u1", file, { waitFor: "recorded" }).then((one) => one.image_url);
  return outcome?.status === "fulfilled" ? [outcome.value, avatar, ...resumed] : resumed;
}

// @ts-expect-error an owner is required
new Broker().upload(new Blob(), {});
// @ts-expect-error only one owner is allowed
new Broker().upload(new Blob(), { ad: 1, user: 1 });

export const reasonOf = (error: unknown): string | null => (error instanceof UploadRejected ? error.reason : null);

// The keys of this table are checked.
const messages: Partial<Record<ApiCode | ClientCode, string>> = { image_limit_reached: "Full.", network: "No connection." };
export const messageOf = (error: BrokerError): string => messages[error.code as keyof typeof messages] ?? error.detail;
// @ts-expect-error no such code
messages.image_limit_reachd = "Full.";
