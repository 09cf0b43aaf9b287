package uploadbroker

import com.sun.net.httpserver.HttpExchange
import com.sun.net.httpserver.HttpServer
import java.net.InetSocketAddress
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.Executors

private const val TIMES = """"expires_at": "2026-01-01T00:05:00Z", "server_time": "2026-01-01T00:00:00Z""""
const val IMAGE = """{"id": 1, "image": "ads/ad_1/main.jpg", "image_url": null, "alt_text": "", "order": 0,
    "created_at": "2026-01-01T00:00:00Z"}"""

/** An answer of the broker or of S3. */
class Reply(val status: Int, val body: String = "", vararg val headers: Pair<String, String>)

fun problem(status: Int, code: String) = Reply(status, """{"code": "$code"}""")

/**
 * A broker and a bucket for answers that real ones rarely give. Tickets are `u1`, `u2`, …
 *
 * @property replies the answers to a request, in this order, before the usual one. Requests are written as in [asked].
 * @property onRequest is called before each answer.
 */
class FakeServer : AutoCloseable {
    val asked = CopyOnWriteArrayList<String>()
    val bodies = CopyOnWriteArrayList<String>()
    val authorized = CopyOnWriteArrayList<String>()
    val replies = mutableMapOf<String, MutableList<Reply>>()
    var onRequest: (String) -> Unit = {}
    private var tickets = 0
    private val server = HttpServer.create(InetSocketAddress("127.0.0.1", 0), 0)
    val url = "http://127.0.0.1:${server.address.port}"

    init {
        server.executor = Executors.newCachedThreadPool { Thread(it).apply { isDaemon = true } }
        server.createContext("/", ::handle)
        server.start()
    }

    fun count(request: String): Int = asked.count { it == request }

    override fun close() = server.stop(0)

    private fun handle(exchange: HttpExchange) = exchange.use {
        val request = "${exchange.requestMethod} ${exchange.requestURI.path}"
        asked += request
        if ("Authorization" in exchange.requestHeaders) authorized += request
        onRequest(request)
        val content = exchange.requestBody.readAllBytes().decodeToString()
        bodies += content
        val reply = synchronized(replies) { replies[request]?.removeFirstOrNull() } ?: usual(request, content)
        for ((name, value) in reply.headers) exchange.responseHeaders.add(name, value)
        val body = reply.body.toByteArray()
        exchange.sendResponseHeaders(reply.status, if (reply.status == 204) -1 else body.size.toLong())
        exchange.responseBody.write(body)
    }

    private fun usual(request: String, content: String): Reply = when {
        request == "GET /api/profiles/" -> Reply(200, """{"ad_image": {"multipart_threshold": 1000}}""")
        request.startsWith("PUT /bucket") -> Reply(200, "", "ETag" to "\"1\"")
        request.endsWith("/upload_image/") -> Reply(201, ticket("u${++tickets}", isMultipart = "multipart" in content))
        request.endsWith("/parts/") -> Reply(200, """{"parts": [${numbersIn(content).joinToString { part(it) }}]}""")
        request.endsWith("/renew/") -> Reply(200, ticket(request.split("/")[3]))
        request.endsWith("/confirm/") || request.endsWith("/complete/") -> Reply(200, IMAGE)
        request.startsWith("DELETE") -> Reply(204)
        else -> problem(404, "not_found")
    }

    private fun numbersIn(content: String) = Regex(""""part_number":(\d+)""").findAll(content).map { it.groupValues[1] }

    private fun part(number: String) = """{"part_number": $number, "url": "$url/bucket/$number", "headers": {}}"""

    private fun ticket(id: String, isMultipart: Boolean = false): String {
        val put = """{"method": "PUT", "url": "$url/bucket", "headers": {"x-amz-meta-upload-id": "$id"}}"""
        val upload = if (isMultipart) """{"method": "MULTIPART"}""" else put
        return """{"id": "$id", $TIMES, "upload": $upload}"""
    }
}
