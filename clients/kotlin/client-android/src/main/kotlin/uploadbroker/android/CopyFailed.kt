package uploadbroker.android

import java.io.IOException

/**
 * A file cannot be copied into the app's storage. Nothing was enqueued.
 *
 * @property code `source_denied`: the app has lost the permission for the file. `source_missing`: the file was deleted.
 *   `source_unreadable`: the app that has it cannot read it. `storage_failed`: this app's storage is full or broken.
 */
public class CopyFailed internal constructor(public val code: String, cause: Throwable) :
    IOException("$code: ${cause.message}", cause)
