package uploadbroker

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import okio.ByteString.Companion.encodeUtf8
import java.io.File
import kotlin.time.Duration.Companion.days

/** Longer than the life of any upload with the broker's defaults. */
private val FORGET_AFTER = 2.days

/** `.new` is left by a process that was killed while it wrote. */
private val NAME = Regex("""[0-9a-f]{64}-(\d{1,9})\.json(\.new)?""")

/** The files of the uploads that run in this process. */
private val taken = mutableSetOf<File>()

/**
 * Unfinished uploads on disk: the same call in a later process resumes them.
 *
 * There is one small file for each upload, named after a digest of the owner and the bytes. So two files with the same
 * name are two uploads, and a file that is uploaded twice at the same time is two uploads as well. It is written before
 * the ticket is requested, and again with the upload's id before the first byte is sent. It is deleted when the upload
 * ends, at the latest after two days.
 *
 * A resumed upload keeps the file name, the alt text and the order of the first call.
 *
 * @param folder a folder for this journal alone, in storage that the system does not empty. It is created when needed.
 *   Only one process may use it at a time.
 */
public class Journal(folder: File) {
    private val folder = folder.absoluteFile

    /**
     * Run an upload with its record. Until it ends, nobody else gets this record.
     *
     * @param identity the file and its owner. A stored record of them is taken, otherwise a new one.
     */
    internal suspend fun <T> withRecord(identity: String, act: suspend (UploadRecord) -> T): T {
        var file: File? = null
        try {
            withContext(Dispatchers.IO) { file = take(identity.encodeUtf8().sha256().hex()) }
            return act(FileRecord(checkNotNull(file)))
        } finally {
            synchronized(taken) { file?.let(taken::remove) }
        }
    }

    private fun take(name: String): File = synchronized(taken) {
        val earlier = stored().filter { it.name.startsWith(name) }.sortedBy(::copyNumber)
        val new = generateSequence(0) { it + 1 }.map { folder.resolve("$name-$it.json") }
        (earlier.asSequence() + new).first { taken.add(it) }
    }

    /** Delete the record of an upload. */
    internal suspend fun forget(uploadId: String): Unit = withContext(Dispatchers.IO) {
        for (file in stored()) if (entryIn(file)?.uploadId == uploadId) file.delete()
    }

    /** Return the records. Old ones are deleted. */
    private fun stored(): List<File> {
        val before = System.currentTimeMillis() - FORGET_AFTER.inWholeMilliseconds
        val found = folder.listFiles { file -> NAME.matches(file.name) }.orEmpty()
        val (old, kept) = found.partition { it.lastModified() < before }
        old.forEach(File::delete)
        return kept.filter { it.extension == "json" }
    }

    private fun copyNumber(file: File): Int = NAME.matchEntire(file.name)?.groupValues?.get(1)?.toInt() ?: 0
}
