package uploadbroker

import kotlinx.coroutines.runBlocking
import okio.Buffer
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertInstanceOf
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.io.IOException

class DeclaredFileTest {
    @TempDir
    lateinit var folder: File

    private val file get() = folder.resolve("photo.jpg")

    private fun declared(bytes: String): DeclaredFile {
        file.writeText(bytes)
        return runBlocking { DeclaredFile.read(Source.file(file)) }
    }

    @Test
    fun `the digest is the base64 of the file's SHA-256`() {
        assertEquals("ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=", declared("abc").checksum)
    }

    @Test
    fun `a range is sent, and its bytes are counted`() {
        val counted = mutableListOf<Long>()
        val sink = Buffer()
        declared("0123456789").body(2, 5, counted::add).writeTo(sink)
        assertEquals("23456", sink.readUtf8())
        assertEquals(5, counted.sum())
    }

    @Test
    fun `another time of modification does not matter while the bytes are the same`() = runBlocking<Unit> {
        val declared = declared("abc")
        file.setLastModified(file.lastModified() - 60_000)
        declared.requireUnchanged()
    }

    @Test
    fun `other bytes are found, also with the same size`() {
        val declared = declared("abc")
        file.writeText("xyz")
        file.setLastModified(file.lastModified() + 60_000)
        assertThrows(BrokerException.FileChanged::class.java) { runBlocking { declared.requireUnchanged() } }
    }

    @Test
    fun `other bytes with the same time are found after S3 has refused them`() {
        val declared = declared("abc")
        val time = file.lastModified()
        file.writeText("xyz")
        file.setLastModified(time)
        assertThrows(BrokerException.FileChanged::class.java) {
            runBlocking { declared.requireUnchanged(refused = true) }
        }
    }

    @Test
    fun `a file that becomes shorter while it is sent is no failure of the network`() {
        val body = declared("abc").body(0, 3) {}
        file.writeText("ab")
        assertThrows(IOException::class.java) { body.writeTo(Buffer()) }
        assertInstanceOf(BrokerException.FileChanged::class.java, body.failure)
    }

    @Test
    fun `a file that is missing cannot be read`() {
        val gone = Source.file(folder.resolve("gone.jpg"))
        assertThrows(BrokerException.FileUnreadable::class.java) { runBlocking { DeclaredFile.read(gone) } }
    }
}
