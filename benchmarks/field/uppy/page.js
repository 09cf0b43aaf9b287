// Photos through Uppy's S3 plugin and Companion, with Uppy's own defaults.
import AwsS3 from "@uppy/aws-s3";
import Uppy from "@uppy/core";
import { chosen, ended, failed, input, recorded } from "../pages/visit.js";

globalThis.start = ({ companion }) => {
  const uppy = new Uppy({ autoProceed: true }).use(AwsS3, { companionEndpoint: companion });
  uppy.on("upload-success", recorded);
  uppy.on("upload-error", (_file, error) => failed(error.message));
  uppy.on("complete", ended);
  input.addEventListener("change", () => {
    chosen();
    uppy.addFiles([...input.files].map((data) => ({ name: data.name, type: data.type, data })));
  });
};
