package uploadbroker.android

import android.content.ContentResolver
import android.net.Uri
import android.provider.OpenableColumns
import java.io.File
import java.io.FileNotFoundException
import java.io.FileOutputStream
import java.io.IOException

private const val BLOCK_BYTES = 128 * 1024

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
    throw CopyFailed("source_denied", error)
} catch (error: FileNotFoundException) {
    throw CopyFailed("source_missing", error)
} catch (error: Exception) {
    throw CopyFailed("source_unreadable", error)
}

private inline fun <T> writing(act: () -> T): T = try {
    act()
} catch (error: CopyFailed) {
    throw error
} catch (error: IOException) {
    throw CopyFailed("storage_failed", error)
}

private inline fun optional(act: () -> String?): String? = try {
    act()
} catch (_: Exception) {
    null
}
