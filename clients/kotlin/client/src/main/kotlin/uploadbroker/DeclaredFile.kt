package uploadbroker

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.withContext
import okhttp3.RequestBody
import okio.BufferedSink
import okio.ByteString.Companion.toByteString
import java.io.File
import java.io.FileInputStream
import java.io.IOException
import java.security.MessageDigest
import kotlin.math.min

private const val BLOCK_BYTES = 128 * 1024

/**
 * A file with the size and the SHA-256 that its upload is declared with.
 *
 * @property size in bytes.
 * @property checksum the SHA-256 in base64.
 */
internal class DeclaredFile private constructor(
    private val source: Source,
    val size: Long,
    val checksum: String,
    private var modified: Long,
) {
    val name: String get() = source.name
    val contentType: String? get() = source.contentType

    /**
     * Compare the file with what was declared. It is read again only if its time of modification has changed, which
     * may happen although its bytes are the same, or if S3 has [refused] its bytes.
     *
     * @throws BrokerException.FileChanged its bytes have changed.
     */
    suspend fun requireUnchanged(refused: Boolean = false) {
        val (time, length) = withContext(Dispatchers.IO) { source.file.lastModified() to source.file.length() }
        if (!refused && time == modified && length == size) return
        val found = digest(source)
        if (found.size != size || found.checksum != checksum) throw BrokerException.FileChanged(name)
        modified = time
    }

    /** Return the SHA-256 of a range in base64. */
    suspend fun checksumOf(start: Long, size: Long): String = digest(source, start, size).checksum

    /** Return the request body of a range. `onBytes` gets the number of bytes of each block that was sent. */
    fun body(start: Long, size: Long, onBytes: (Long) -> Unit): FileBody = FileBody(source, start, size, onBytes)

    companion object {
        /**
         * Read a file once.
         *
         * @throws BrokerException.FileUnreadable it cannot be read.
         */
        suspend fun read(source: Source): DeclaredFile {
            val modified = withContext(Dispatchers.IO) { source.file.lastModified() }
            val found = digest(source)
            return DeclaredFile(source, found.size, found.checksum, modified)
        }
    }
}

private class Digest(val size: Long, val checksum: String)

private suspend fun digest(source: Source, start: Long = 0, size: Long = Long.MAX_VALUE): Digest =
    withContext(Dispatchers.IO) {
        val sha256 = MessageDigest.getInstance("SHA-256")
        var read = 0L
        try {
            source.file.blocks(start, size) { block, count ->
                ensureActive()
                sha256.update(block, 0, count)
                read += count
            }
        } catch (error: IOException) {
            throw BrokerException.FileUnreadable(source.name, error)
        }
        Digest(read, sha256.digest().toByteString().base64())
    }

/** Read a range in blocks, as far as the file goes. */
private inline fun File.blocks(start: Long, size: Long, take: (ByteArray, Int) -> Unit) {
    FileInputStream(this).use { input ->
        input.channel.position(start)
        val block = ByteArray(BLOCK_BYTES)
        var left = size
        while (left > 0) {
            val count = input.read(block, 0, min(left, block.size.toLong()).toInt())
            if (count < 0) break
            take(block, count)
            left -= count
        }
    }
}

/**
 * A range of a file, which is read while it is sent.
 *
 * @property failure why the body could not be read. OkHttp passes on only IOExceptions, and takes them for errors of
 *   the network.
 */
internal class FileBody(
    private val source: Source,
    private val start: Long,
    private val size: Long,
    private val onBytes: (Long) -> Unit,
) : RequestBody() {
    var failure: Throwable? = null
        private set

    /** The bytes that were handed to the network. */
    var sent = 0L
        private set

    /** The header of the ticket has the type. */
    override fun contentType() = null

    override fun contentLength() = size

    /** Do not let OkHttp send it twice: the client's own rules decide. */
    override fun isOneShot() = true

    override fun writeTo(sink: BufferedSink) {
        var broken: IOException? = null
        try {
            source.file.blocks(start, size) { block, count ->
                try {
                    sink.write(block, 0, count)
                } catch (error: IOException) {
                    broken = error
                    throw error
                }
                sent += count
                onBytes(count.toLong())
            }
            if (sent < size) throw BrokerException.FileChanged(source.name)
        } catch (error: Throwable) {
            if (broken == null) {
                failure = if (error is IOException) BrokerException.FileUnreadable(source.name, error) else error
            }
            throw broken ?: IOException(error)
        }
    }
}
