package uploadbroker.android

import com.sun.net.httpserver.HttpServer
import org.junit.Assert.assertEquals
import org.junit.Test
import java.net.InetSocketAddress
import java.util.concurrent.atomic.AtomicInteger

private const val CLOSED = "http://127.0.0.1:1"

class RetriesQueueTest : QueueTest() {
    @Test
    fun `a broker that cannot be reached is tried again with WorkManager's growing delay`() = test {
        app.url = CLOSED
        val id = enqueue(Shop.newAd())
        for (seconds in listOf(30, 60, 120)) {
            val work = tryOnce(id)
            assertEquals(UploadState.Waiting("network"), until<UploadState.Waiting>(id))
            assertEquals(seconds * 1000L, work.nextScheduleTimeMillis - now)
            now = work.nextScheduleTimeMillis
        }
        app.url = Shop.url
        online<UploadState.Done>(id)
    }

    @Test
    fun `nothing is sent before Retry-After has passed`() = test {
        Busy().use { busy ->
            app.url = busy.url
            val id = enqueue(Shop.newAd())
            for (round in 1..3) {
                now = tryOnce(id).nextScheduleTimeMillis
                assertEquals(UploadState.Waiting("overloaded"), until<UploadState.Waiting>(id))
                assertEquals(1, busy.requests.get())
            }
            app.url = Shop.url
            queue.items.update(id) { it.copy(notBefore = System.currentTimeMillis()) }
            online<UploadState.Done>(id)
        }
    }

    @Test
    fun `an upload whose token is refused waits until the user has signed in`() = test {
        app.token = "expired"
        val id = enqueue(Shop.newAd())
        val failed = online<UploadState.Failed>(id)
        assertEquals(true, failed.canRetry)
        assertEquals(listOf("file", "item.json"), files(id))
        app.token = Shop.token
        queue.retryAll()
        online<UploadState.Done>(id)
        queue.retryAll()
        online<UploadState.Done>(id)
    }

    @Test
    fun `an upload to a full ad can be retried`() = test {
        val ad = Shop.newAd()
        for (name in listOf("a", "b")) online<UploadState.Done>(enqueue(ad, photo(name)))
        val id = enqueue(ad)
        assertEquals(UploadState.Failed("image_limit_reached", null, canRetry = true), online<UploadState.Failed>(id))
        Shop.deleteImage(ad)
        queue.retryAll()
        online<UploadState.Done>(id)
        assertEquals(2, Shop.images(ad).size)
    }

    @Test
    fun `after a week of failures the user decides`() = test {
        app.url = CLOSED
        val id = enqueue(Shop.newAd())
        val week = 7 * 24 * 3600 * 1000L
        queue.items.update(id) { it.copy(startedAt = System.currentTimeMillis() - week - 1) }
        assertEquals(UploadState.Failed("network", null, canRetry = true), online<UploadState.Failed>(id))
    }
}

/** A broker that is overloaded for an hour. */
private class Busy : AutoCloseable {
    val requests = AtomicInteger()
    private val server = HttpServer.create(InetSocketAddress("127.0.0.1", 0), 0).apply {
        createContext("/") { exchange ->
            requests.incrementAndGet()
            exchange.responseHeaders.add("Retry-After", "3600")
            val body = """{"code": "overloaded"}""".toByteArray()
            exchange.sendResponseHeaders(503, body.size.toLong())
            exchange.responseBody.use { it.write(body) }
        }
        start()
    }
    val url = "http://127.0.0.1:${server.address.port}"

    override fun close() = server.stop(0)
}
