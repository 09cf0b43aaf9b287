package uploadbroker.command

import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.encodeToJsonElement
import kotlinx.serialization.json.put
import okhttp3.OkHttpClient
import uploadbroker.Broker
import uploadbroker.BrokerException
import uploadbroker.Journal
import uploadbroker.Owner
import uploadbroker.Progress
import uploadbroker.Source
import uploadbroker.Tokens
import uploadbroker.patientClient
import java.io.File
import kotlin.system.exitProcess

/**
 * One call of the client, for tests in Python. It prints lines of JSON: `progress`, `token`, one `result` or `error` for
 * each file, with the index of the file, then `end`.
 *
 * @property does `upload`, `send`, `resume`, `confirm` or `cancel`.
 * @property ownerText the profile and the name, such as `ad_image/7`.
 * @property tokens the app's tokens: the first one is returned until it is refused, then the next one.
 */
@Serializable
class Command(
    val does: String,
    val url: String,
    val tokens: List<String>,
    @SerialName("owner") val ownerText: String? = null,
    val files: List<String> = emptyList(),
    val uploadId: String = "",
    val journal: String? = null,
    val altText: String = "",
    val order: Int? = null,
) {
    val owner: Owner? get() = ownerText?.split("/")?.let { (profile, name) -> Owner.of(profile, name) }
}

/** Runs the commands in the lines of the standard input, one after the other. */
fun main() {
    for (text in generateSequence(::readlnOrNull)) {
        val http = patientClient()
        runBlocking { Runner(Json.decodeFromString(text), http).run() }
        http.connectionPool.evictAll()
    }
    exitProcess(0) // OkHttp's threads would wait for a minute.
}

private class Runner(private val command: Command, http: OkHttpClient) {
    private val left = ArrayDeque(command.tokens)
    private val broker = Broker(command.url, Tokens(::token), command.journal?.let { Journal(File(it)) }, http)

    suspend fun run() {
        coroutineScope {
            if (command.files.isEmpty()) print(0) { act(null) {} }
            for ((index, file) in command.files.withIndex()) {
                launch { print(index) { act(Source.file(File(file))) { show(index, it) } } }
            }
        }
        line("end", 0, JsonNull)
    }

    private suspend fun act(source: Source?, show: (Progress) -> Unit): JsonElement = with(command) {
        when (does) {
            "upload" -> Json.encodeToJsonElement(broker.upload(source!!, owner!!, altText, order, show))
            "send" -> Json.encodeToJsonElement(broker.send(source!!, owner!!, altText, order, show))
            "resume" -> Json.encodeToJsonElement(broker.resume(uploadId, source!!, owner, show))
            "confirm" -> Json.encodeToJsonElement(broker.confirm(uploadId, owner))
            "cancel" -> Json.encodeToJsonElement(broker.cancel(uploadId, owner).toString())
            else -> error(does)
        }
    }

    private suspend fun print(index: Int, act: suspend () -> JsonElement) = try {
        line("result", index, act())
    } catch (error: BrokerException) {
        val fields = mapOf("name" to error::class.simpleName, "code" to error.code, "reason" to error.reason)
        line("error", index, Json.encodeToJsonElement(fields))
    }

    private fun show(index: Int, now: Progress) {
        val value = buildJsonObject {
            put("id", now.uploadId)
            put("phase", now.phase.name.lowercase())
            put("sent", now.sent)
            put("total", now.total)
        }
        line("progress", index, value)
    }

    private fun token(owner: Owner?, refused: String?): String = synchronized(left) {
        if (refused == left.first() && left.size > 1) left.removeFirst()
        left.first().also { line("token", 0, JsonPrimitive("$owner")) }
    }

    private fun line(what: String, index: Int, value: JsonElement) {
        val line = buildJsonObject {
            put("what", what)
            put("index", index)
            put("value", value)
        }
        println(line)
    }
}
