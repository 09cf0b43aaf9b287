package uploadbroker.android

import android.content.ContentResolver
import android.net.Uri
import android.provider.OpenableColumns
import java.io.File
import java.io.FileNotFoundException
import java.io.FileOutputStream
import java.io.IOException

private const val BLOCK_BYTES = 128 * 1024

/**
 * A file cannot be copied into the app's storage.
 *
 * @property code `source_denied`: the app has lost the permission for it. `source_missing`: it was deleted.
 *   `source_unreadable`: its app cannot read it. `storage_failed`: this app's storage is full, or broken.
 */
public class CopyFailed internal constructor(public val code: String, cause: Throwable?) :
    IOException("$code: ${cause?.message}", cause) {
    internal companion object {
        const val DENIED = "source_denied"
        const val MISSING = "source_missing"
        const val UNREADABLE = "source_unreadable"
        const val STORAGE = "storage_failed"
    }
}

/** A file of another app. Its provider may throw anything. */
internal class Opened(private val resolver: ContentResolver, private val uri: Uri) {
    /** The name that the user knows it by. */
    val name: String by lazy { displayName()?.ifBlank { null } ?: uri.lastPathSegment ?: "file" }

    /** Its media type, or null. */
    val contentType: String? by lazy { optional { resolver.getType(uri) } }

    /**
     * Copy it. The copy is on the disk when this returns.
     *
     * @throws CopyFailed it cannot be read or written.
     */
    fun copyTo(target: File) {
        reading { resolver.openInputStream(uri) ?: throw FileNotFoundException("$uri") }.use { input ->
            writing {
                target.parentFile?.mkdirs()
                FileOutputStream(target).use { output ->
                    val block = ByteArray(BLOCK_BYTES)
                    while (true) {
                        val count = reading { input.read(block) }
                        if (count < 0) break
                        output.write(block, 0, count)
                    }
                    output.fd.sync()
                }
            }
        }
    }

    private fun displayName(): String? = optional {
        resolver.query(uri, arrayOf(OpenableColumns.DISPLAY_NAME), null, null, null)?.use {
            if (it.moveToFirst()) it.getString(0) else null
        }
    }
}

private inline fun <T> reading(act: () -> T): T = try {
    act()
} catch (error: SecurityException) {
    throw CopyFailed(CopyFailed.DENIED, error)
} catch (error: FileNotFoundException) {
    throw CopyFailed(CopyFailed.MISSING, error)
} catch (error: Exception) {
    throw CopyFailed(CopyFailed.UNREADABLE, error)
}

private inline fun <T> writing(act: () -> T): T = try {
    act()
} catch (error: CopyFailed) {
    throw error
} catch (error: IOException) {
    throw CopyFailed(CopyFailed.STORAGE, error)
}

private inline fun optional(act: () -> String?): String? = try {
    act()
} catch (_: Exception) {
    null
}
