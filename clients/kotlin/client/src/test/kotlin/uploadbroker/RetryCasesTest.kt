package uploadbroker

import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.boolean
import kotlinx.serialization.json.double
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.long
import okhttp3.Headers.Companion.toHeaders
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import java.io.File
import kotlin.time.Duration.Companion.milliseconds

/** tests/retry_cases.json: the retry rules that this client shares with the other clients. */
class RetryCasesTest {
    @TestFactory
    fun `the client follows the shared retry cases`(): List<DynamicTest> = cases().map { row ->
        dynamicTest("${row.text("phase")}: ${row.text("name")}") {
            val failure = failureOf(row)
            val decision = POLICY.decide(stepOf(row), failure)
            val isExhausted = decision in USES_A_RETRY && failure.tries > POLICY.retries
            assertEquals(row.text("action"), if (isExhausted) "give_up" else decision.name.lowercase())
            val expected = row["after_seconds"]?.jsonPrimitive?.double
            if (expected != null && !isExhausted && decision != Decision.GIVE_UP) {
                val waited = timeToWait(POLICY.backoff(failure.tries), failure.retryAfter)
                assertEquals((expected * 1000).milliseconds, waited)
            }
        }
    }

    @TestFactory
    fun `the client knows which answers are S3's`(): List<DynamicTest> = table("answers").map { row ->
        dynamicTest(row.text("name")) {
            val headers = row["headers"]?.jsonObject.orEmpty().mapValues { it.value.jsonPrimitive.content }
            val answer = Answer(row.number("status"), headers.toHeaders(), row.text("body"))
            assertEquals(row.text("from") == "s3", answer.isFromS3)
        }
    }

    @Test
    fun `every retry rule decides at least one case`() {
        val used = cases().mapNotNull { POLICY.ruleOf(stepOf(it), failureOf(it)) }
        assertEquals(emptyList<Int>(), RULES.indices.filter { RULES[it] !in used })
    }
}

private val POLICY = RetryPolicy(jitter = { 1.0 })
private val USES_A_RETRY = setOf(Decision.RETRY, Decision.RENEW, Decision.NEXT_ROUND)

/** The codes of this client for answers that are not the broker's or S3's. */
private val OWN_CODES = mapOf("proxy" to "unexpected_answer", "nobody" to "network")

/** Requests for several tickets, which this client does not send. */
private const val BATCH = "batch"

private fun table(name: String): List<JsonObject> {
    val text = File(System.getProperty("retry.cases")).readText()
    return (JSON.parseToJsonElement(text).jsonObject.getValue(name) as JsonArray).map(::ownRow)
}

private fun cases() = table("cases").filter { it.text("phase") != BATCH }

/** Return a row with this client's values: those of the Python client, unless there are others. */
private fun ownRow(element: kotlinx.serialization.json.JsonElement): JsonObject {
    val row = element.jsonObject
    val own = listOf("python", "kotlin").mapNotNull { row[it]?.jsonObject }
    return JsonObject(own.fold(row as Map<String, kotlinx.serialization.json.JsonElement>) { all, one -> all + one })
}

private fun stepOf(row: JsonObject) = Step.valueOf(row.text("phase").uppercase())

private fun failureOf(row: JsonObject): Failure {
    val isForS3 = stepOf(row) in setOf(Step.SEND, Step.PART)
    val own = OWN_CODES[row.text("from")]
    return Failure(
        status = row.number("status"),
        code = own.takeIf { "code" !in row || isForS3 && row.text("from") == "nobody" } ?: row.text("code"),
        message = row.text("message"),
        retryAfter = row["retry_after"]?.jsonPrimitive?.long,
        fromProxy = isForS3 && row.text("from") == "proxy",
        resumed = row["resumed"]?.jsonPrimitive?.boolean == true,
        tries = row["tries"]?.jsonPrimitive?.int ?: 1,
    )
}

private fun JsonObject.text(name: String) = this[name]?.jsonPrimitive?.content.orEmpty()

private fun JsonObject.number(name: String) = getValue(name).jsonPrimitive.int
