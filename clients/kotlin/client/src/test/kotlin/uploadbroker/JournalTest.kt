package uploadbroker

import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import kotlin.time.Duration.Companion.days

class JournalTest {
    @TempDir
    lateinit var folder: File

    private val journal get() = Journal(folder.resolve("uploads"))
    private fun files() = folder.resolve("uploads").list().orEmpty().toList()

    @Test
    fun `a later process finds the entry, with the request of the first call`() = runBlocking<Unit> {
        val entry = journal.withRecord("photo") { it.begin { "first" } }
        journal.withRecord("photo") { it.write(entry.copy(uploadId = "u1")) }
        assertEquals(entry.copy(uploadId = "u1"), journal.withRecord("photo") { it.begin { "second" } })
        assertEquals("first", entry.request)
    }

    @Test
    fun `the same file twice at a time has two entries, and each is found again`() = runBlocking<Unit> {
        val keys = journal.withRecord("photo") { one ->
            journal.withRecord("photo") { two -> listOf(one.begin { "" }, two.begin { "" }) }
        }
        assertNotEquals(keys[0], keys[1])
        val found = List(2) { journal.withRecord("photo") { record -> record.begin { "" }.also { record.delete() } } }
        assertEquals(keys, found)
        assertEquals(emptyList<String>(), files())
    }

    @Test
    fun `other files and other owners have their own entries`() = runBlocking<Unit> {
        val keys = listOf("photo", "other photo").map { name -> journal.withRecord(name) { it.begin { "" } } }
        assertNotEquals(keys[0], keys[1])
        assertEquals(2, files().size)
    }

    @Test
    fun `an entry that is not valid is replaced`() = runBlocking<Unit> {
        journal.withRecord("photo") { it.begin { "first" } }
        folder.resolve("uploads").listFiles().orEmpty().single().writeText("{")
        assertEquals("second", journal.withRecord("photo") { it.begin { "second" } }.request)
    }

    @Test
    fun `an upload is forgotten by its id`() = runBlocking<Unit> {
        journal.withRecord("photo") { record ->
            record.write(record.begin { "" }.copy(uploadId = "u1"))
            journal.forget("u2")
            assertNotNull(record.stored())
            journal.forget("u1")
            assertNull(record.stored())
        }
    }

    @Test
    fun `entries of two days ago are deleted, other files stay`() = runBlocking<Unit> {
        journal.withRecord("photo") { it.begin { "" } }
        folder.resolve("uploads/notes.json").writeText("{}")
        folder.resolve("uploads/${"0".repeat(64)}-0.json.new").writeText("{")
        val before = System.currentTimeMillis() - 2.days.inWholeMilliseconds - 60_000
        folder.resolve("uploads").listFiles().orEmpty().forEach { it.setLastModified(before) }
        journal.withRecord("other") {}
        assertEquals(listOf("notes.json"), files())
    }
}
