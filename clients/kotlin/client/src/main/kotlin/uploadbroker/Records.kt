package uploadbroker

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import kotlinx.serialization.Serializable
import java.io.File
import java.io.FileOutputStream
import java.io.IOException
import java.nio.file.Files
import java.nio.file.StandardCopyOption
import java.util.UUID

/**
 * What must survive this process.
 *
 * @property request the exact body of the ticket request: after a lost answer it is sent again unchanged.
 * @property idempotencyKey the key that is sent with it.
 * @property uploadId the upload's id; null until the ticket was issued.
 */
@Serializable
internal data class Entry(
    val request: String,
    val idempotencyKey: String = UUID.randomUUID().toString(),
    val uploadId: String? = null,
)

/** The record of one upload that runs. */
internal interface UploadRecord {
    /** Return the stored entry, or null if there is none. Cancelling the upload deletes it. */
    suspend fun stored(): Entry?

    /** Return the stored entry, or store a new one with the ticket request that the function returns. */
    suspend fun begin(request: suspend () -> String): Entry = stored() ?: Entry(request()).also { write(it) }

    /** Replace the entry. */
    suspend fun write(entry: Entry)

    suspend fun delete()
}

/** A record that ends with the process. */
internal class UnstoredRecord : UploadRecord {
    private var entry: Entry? = null

    override suspend fun stored(): Entry? = entry

    override suspend fun write(entry: Entry) {
        this.entry = entry
    }

    override suspend fun delete() {
        entry = null
    }
}

/** A record in a file. */
internal class FileRecord(private val file: File) : UploadRecord {
    override suspend fun stored(): Entry? = withContext(Dispatchers.IO) { entryIn(file) }

    /** Replace the file atomically, and only when its bytes are on the disk. */
    override suspend fun write(entry: Entry): Unit = withContext(Dispatchers.IO) {
        file.parentFile?.mkdirs()
        val draft = File("${file.path}.new")
        try {
            FileOutputStream(draft).use {
                it.write(JSON.encodeToString(entry).toByteArray())
                it.fd.sync()
            }
            Files.move(draft.toPath(), file.toPath(), StandardCopyOption.ATOMIC_MOVE)
        } catch (error: IOException) {
            throw BrokerException.JournalFailed(error)
        }
    }

    override suspend fun delete() {
        withContext(Dispatchers.IO) { file.delete() }
    }
}

/** Return the entry in a file, or null if there is none or it is not valid. */
internal fun entryIn(file: File): Entry? = try {
    JSON.decodeFromString<Entry>(file.readText())
} catch (_: IOException) {
    null
} catch (_: IllegalArgumentException) {
    null
}
