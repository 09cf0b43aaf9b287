package uploadbroker

import okhttp3.Headers.Companion.headersOf
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertInstanceOf
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Test

class AnswerTest {
    private fun answer(body: String, vararg headers: String, status: Int = 503) =
        Answer(status, headersOf(*headers), body)

    @Test
    fun `Retry-After is read as seconds`() {
        assertEquals(7, answer("", "Retry-After", "7").retryAfter)
        assertNull(answer("", "Retry-After", "soon").retryAfter)
        assertNull(answer("").retryAfter)
    }

    @Test
    fun `Retry-After as a date counts from the date of the answer, whatever the clock of the phone says`() {
        val answer = answer(
            "",
            "Date", "Wed, 21 Oct 2015 07:28:00 GMT",
            "Retry-After", "Wed, 21 Oct 2015 07:28:30 GMT",
        )
        assertEquals(30, answer.retryAfter)
    }

    @Test
    fun `S3's message is read without its entities and control characters`() {
        val body = "<Error><Code>Odd</Code><Message>a &lt;b&gt; &amp;lt;\nc</Message></Error>"
        val found = s3Failure(answer(body, status = 400))
        assertEquals("Odd", found.code)
        assertEquals("a <b> &lt; c", found.message)
    }

    @Test
    fun `each answer of the broker has its exception`() {
        fun of(status: Int, code: String) =
            refused(problemOf(answer("""{"code": "$code", "reason": "corrupt"}""", status = status)))
        assertInstanceOf(BrokerException.ImageLimitReached::class.java, of(409, "image_limit_reached"))
        assertInstanceOf(BrokerException.Unauthorized::class.java, of(401, "token_expired"))
        assertInstanceOf(BrokerException.UploadGone::class.java, of(410, "upload_expired"))
        assertInstanceOf(BrokerException.OtherAnswer::class.java, of(409, "upload_settled"))
        assertInstanceOf(BrokerException.Unavailable::class.java, of(503, "storage_unavailable"))
        assertEquals("corrupt", of(422, "upload_rejected").reason)
    }

    @Test
    fun `an answer that is not the broker's says nothing about the upload`() {
        val error = refused(problemOf(answer("<html>", status = 404)))
        assertEquals("unexpected_answer", error.code)
        assertInstanceOf(BrokerException.OtherAnswer::class.java, error)
    }
}
