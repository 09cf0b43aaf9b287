package uploadbroker.android

import android.app.Application
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import java.io.File

class SourcesQueueTest : QueueTest() {
    @Test
    fun `a file that cannot be copied is not enqueued, and the error says why`() = test {
        val codes = listOf("denied", "missing", "broken").associateWith { codeOf { enqueue(1, Photos.uri(it)) } }
        assertEquals(
            mapOf("denied" to "source_denied", "missing" to "source_missing", "broken" to "source_unreadable"),
            codes,
        )
        assertTrue(stored().isEmpty())
    }

    @Test
    fun `full storage is an error of its own`() = test {
        File(app.noBackupFilesDir, "upload-queue").writeText("no folder can be created here")
        assertEquals("storage_failed", codeOf { enqueue(1) })
    }

    @Test
    fun `what nobody has changed for thirty days is forgotten`() = test {
        val id = enqueue(1)
        val month = 30 * 24 * 3600 * 1000L
        queue.items.forgetOld(System.currentTimeMillis() + month - 60_000)
        assertEquals(listOf(id), stored())
        queue.items.forgetOld(System.currentTimeMillis() + month + 60_000)
        assertEquals(UploadState.Unknown, until<UploadState.Unknown>(id))
    }

    @Test
    fun `an app that is no host of the queue learns it at once`() {
        val error = assertThrows(IllegalStateException::class.java) {
            UploadQueue(object : Application() {
                override fun getApplicationContext() = this
            }) { error("never called") }
        }
        assertTrue("${error.message}", "must implement UploadQueueHost" in error.message!!)
    }

    private suspend fun codeOf(act: suspend () -> Unit): String? = try {
        act()
        null
    } catch (error: CopyFailed) {
        error.code
    }

    private fun stored() = File(app.noBackupFilesDir, "upload-queue").list().orEmpty().toList()
}
