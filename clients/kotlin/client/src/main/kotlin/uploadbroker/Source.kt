package uploadbroker

import java.io.File

/**
 * A file to upload. Nobody may change it until the upload has arrived: copy a photo into the app's own storage first.
 *
 * @property file the file. It is read several times, in blocks.
 * @property name the name that the user knows it by. Only its letters and digits go into the object key.
 * @property contentType its media type. Null or `application/octet-stream`: the extension of [name] decides.
 */
public class Source private constructor(
    public val file: File,
    public val name: String,
    public val contentType: String?,
) {
    public companion object {
        /** Upload this file. */
        public fun file(file: File, name: String = file.name, contentType: String? = null): Source =
            Source(file, name, contentType)
    }
}
