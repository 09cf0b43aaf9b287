package uploadbroker

import kotlinx.coroutines.runBlocking
import okhttp3.OkHttpClient
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import org.junit.jupiter.api.io.TempDir
import java.io.File
import kotlin.time.Duration.Companion.minutes

private const val LIST = "GET /api/uploads/u1/parts/"
private const val SIGN = "POST /api/uploads/u1/parts/"
private const val COMPLETE = "POST /api/uploads/u1/complete/"

/** Parts after answers that real servers rarely give. The file has 1500 bytes, a part 1000. */
@Timeout(60)
class PartsTest {
    @TempDir
    lateinit var folder: File
    private val server = FakeServer()
    private val sent = mutableListOf<Long>()

    @BeforeEach
    fun lists() = reply(LIST, listed("1, 2"))

    @AfterEach
    fun close() = server.close()

    private fun upload() = runBlocking {
        val source = Source.file(folder.resolve("photo.jpg").apply { writeBytes(ByteArray(1500)) })
        val policy = RetryPolicy(jitter = { 1.0 }, pause = {})
        val broker = Broker(server.url, Tokens { _, _ -> "token" }, null, OkHttpClient(), policy, 1.minutes)
        broker.upload(source, Owner.ad(1)) { sent += it.sent }
    }

    private fun reply(request: String, vararg replies: Reply) {
        server.replies[request] = replies.toMutableList()
    }

    private fun listed(missing: String, vararg arrived: String) =
        Reply(200, """{"part_size": 1000, "parts": [${arrived.joinToString()}], "missing": [$missing]}""")

    private fun s3Error(status: Int, code: String, message: String = "No.") =
        Reply(status, "<Error><Code>$code</Code><Message>$message</Message></Error>")

    @Test
    fun `a part that S3 does not know is sent in the next round, and counted once`() {
        reply(LIST, listed("1, 2"), listed("2", """{"part_number": 1, "size": 1000}"""))
        reply("PUT /bucket/2", s3Error(404, "NoSuchUpload"))
        upload()
        assertEquals(listOf(1, 2), listOf(server.count("PUT /bucket/1"), server.count("PUT /bucket/2")))
        assertEquals(1500, sent.last())
        assertEquals(1500, sent.max())
    }

    @Test
    fun `a part whose URL has expired is signed again`() {
        reply("PUT /bucket/1", s3Error(403, "AccessDenied", "Request has expired"))
        upload()
        assertEquals(2, server.count(SIGN))
        assertEquals(1500, sent.last())
    }

    @Test
    fun `a part that an earlier try has written counts as sent`() {
        reply("PUT /bucket/1", s3Error(412, "PreconditionFailed"))
        upload()
        assertEquals(1, server.count("PUT /bucket/1"))
        assertEquals(1500, sent.last())
    }

    @Test
    fun `parts of an upload that was started without digests have none`() {
        reply(SIGN, Reply(422, """{"code": "validation_error", "errors": {"parts": ["Send no digests."]}}"""))
        upload()
        val (pinned, unpinned) = server.bodies.filter { "part_number" in it }
        assertEquals(listOf(true, false), listOf(pinned, unpinned).map { "checksum_sha256" in it })
    }

    @Test
    fun `parts that S3 has lost are sent again`() {
        reply(LIST, listed("1, 2"), listed("1", """{"part_number": 2, "size": 500}"""))
        reply(COMPLETE, problem(409, "parts_missing"))
        upload()
        assertEquals(listOf(2, 1), listOf(server.count("PUT /bucket/1"), server.count("PUT /bucket/2")))
        assertEquals(1500, sent.last())
        assertEquals(1500, sent.max())
    }

    @Test
    fun `an upload that is recorded already is completed without sending anything`() {
        reply(LIST, problem(409, "upload_settled"))
        upload()
        assertEquals(1, server.count(COMPLETE))
        assertEquals(0, server.asked.count { "bucket" in it })
    }
}
