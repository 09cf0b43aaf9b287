// Every call of docs/browser.md in TypeScript.
import { type ApiCode, type ApiUpload, Broker, BrokerError, type ClientCode, type FilePage, type Image, type Owner, type Progress, type Resumable, type StoredFile, UploadRejected, type User, placeholderOf, srcsetOf } from "@upload-broker/client";

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
  const source: [string | null, string, string | null] = [image.image_url, srcsetOf(image), placeholderOf(image)];
  console.log(source, me.avatar_image?.variants[0]?.width, left[0]?.processing);
  // @ts-expect-error with `recorded` the image may not be ready
  await broker.resume("u1", file, { waitFor: "recorded" }).then((one) => one.image_url);
  return outcome?.status === "fulfilled" ? [outcome.value, avatar, ...resumed] : resumed;
}

/** Files of any profile, with a token for each owner. */
export async function documents(file: File, grantFor: (profile: string, owner: string) => Promise<string>): Promise<string[]> {
  const token = ({ profile, owner, refused }: { profile?: string; owner?: string; refused?: string }) => {
    if (refused) console.log("refused");
    return profile && owner ? grantFor(profile, owner) : "session";
  };
  const broker = new Broker({ token }), invoice: Owner = { profile: "invoice", owner: "order-7" };
  const image: Image = await broker.upload(file, { ...invoice, altText: "front" });
  const [first] = broker.uploadAll([file], invoice);
  const left: Resumable[] = await broker.resumable(invoice);
  await broker.resume("u1", file, invoice);
  await broker.whenReady("u1", invoice);
  await broker.request("GET", "/api/uploads/u1/", { ...invoice, onWaiting: (error) => console.log(error.code) });
  const page: FilePage = await broker.files(invoice, { limit: 10, cursor: null });
  const changed: StoredFile = await broker.updateFile({ ad: 7 }, image.id, { altText: "side", order: 2 });
  const deleted: boolean = await broker.deleteFile({ user: 1 }, image.id);
  console.log((await first)?.image_url?.length, left[0]?.profile, changed.url, deleted, srcsetOf(changed));
  return page.results.map((one) => `${one.file_name} ${one.url} ${one.url_expires_at ?? ""}`);
}

// @ts-expect-error an owner is required
new Broker().upload(new Blob(), {});
// @ts-expect-error only one owner is allowed
new Broker().upload(new Blob(), { ad: 1, user: 1 });
// @ts-expect-error a profile needs an owner
new Broker().upload(new Blob(), { profile: "invoice" });
// @ts-expect-error a user has one avatar
new Broker().uploadAll([new Blob()], { user: 1 });
// @ts-expect-error the URL of a private image is null
export const urlOf = (image: Image): string => image.image_url;

export const reasonOf = (error: unknown): string | null => (error instanceof UploadRejected ? error.reason : null);

// The keys of this table are checked.
const messages: Partial<Record<ApiCode | ClientCode, string>> = { image_limit_reached: "Full.", network: "No connection." };
export const messageOf = (error: BrokerError): string => messages[error.code as keyof typeof messages] ?? error.detail;
// @ts-expect-error no such code
messages.image_limit_reachd = "Full.";
