package uploadbroker.android

import android.content.ContentResolver
import android.net.Uri
import android.util.AtomicFile
import kotlinx.serialization.SerializationException
import kotlinx.serialization.json.Json
import uploadbroker.Journal
import uploadbroker.Owner
import uploadbroker.Source
import java.io.File
import java.io.IOException
import java.util.UUID
import kotlin.time.Duration.Companion.days

private val FORGET_AFTER = 30.days
private val JSON = Json { ignoreUnknownKeys = true }

/**
 * The stored uploads. Each has a folder, which is named after its id, with the item, the copy of the file and its
 * journal. Functions that read or write files block.
 */
internal class Items(private val folder: File) {
    /**
     * Copy a file, and store its item.
     *
     * @throws CopyFailed the folder is deleted again.
     */
    fun add(resolver: ContentResolver, uri: Uri, owner: Owner, altText: String, order: Int?): Item {
        val id = UUID.randomUUID().toString()
        val file = Opened(resolver, uri)
        try {
            file.copyTo(bytes(id))
            val item = Item(id, owner.profile, owner.name, file.name, file.contentType, altText, order)
            write(item)
            return item
        } catch (error: IOException) {
            folder.resolve(id).deleteRecursively()
            throw error as? CopyFailed ?: CopyFailed("storage_failed", error)
        }
    }

    /** Return an item, or null if it is unknown or not readable. */
    fun find(id: String): Item? = try {
        // Reading an AtomicFile deletes what another thread is writing to it.
        val stored = synchronized(this) { record(id).readFully() }
        JSON.decodeFromString<Item>(stored.decodeToString())
    } catch (_: IOException) {
        null
    } catch (_: SerializationException) {
        null
    }

    fun all(): List<Item> = folder.list().orEmpty().mapNotNull(::find)

    /** Change an item, and return it. Return null if it is unknown. */
    fun update(id: String, change: (Item) -> Item): Item? = synchronized(this) {
        find(id)?.let(change)?.also(::write)
    }

    /** Return the copied file of an item. */
    fun source(item: Item): Source = Source.file(bytes(item.id), item.fileName, item.contentType)

    fun journal(id: String): Journal = Journal(journalFolder(id))

    /** Whether the broker has recorded the file: the client has started to send it, and its journal has ended. */
    fun hasArrived(item: Item): Boolean =
        item.uploadId != null && journalFolder(item.id).list().orEmpty().none { it.endsWith(".json") }

    /** Delete the copy and the journal. The item with the result stays. */
    fun deleteFiles(id: String) {
        bytes(id).delete()
        journalFolder(id).deleteRecursively()
    }

    /** Delete what nobody has changed for 30 days. */
    fun forgetOld(now: Long = System.currentTimeMillis()) {
        for (old in folder.listFiles().orEmpty()) {
            if (now - old.lastModified() > FORGET_AFTER.inWholeMilliseconds) old.deleteRecursively()
        }
    }

    private fun write(item: Item) {
        val record = record(item.id)
        val stream = record.startWrite()
        try {
            stream.write(JSON.encodeToString(item).toByteArray())
        } catch (error: IOException) {
            record.failWrite(stream)
            throw error
        }
        record.finishWrite(stream)
    }

    private fun record(id: String) = AtomicFile(folder.resolve(id).resolve("item.json"))

    private fun bytes(id: String): File = folder.resolve(id).resolve("file")

    private fun journalFolder(id: String): File = folder.resolve(id).resolve("journal")
}
