package uploadbroker.android

import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.takeWhile
import kotlinx.coroutines.launch
import kotlinx.coroutines.yield
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.long
import org.junit.Assert.assertEquals
import org.junit.Test
import uploadbroker.Owner
import java.util.concurrent.CompletableFuture
import java.util.concurrent.TimeUnit

class UploadQueueTest : QueueTest() {
    @Test
    fun `an enqueued photo is published, and its copy is deleted`() = test {
        val ad = Shop.newAd()
        val id = queue.enqueue(photo(), Owner.ad(ad), altText = "front view", order = 3)
        assertEquals(UploadState.Waiting(null), until<UploadState.Waiting>(id))
        val image = online<UploadState.Done>(id).image
        assertEquals(listOf(image.id), published(ad))
        assertEquals(Triple("front view", 3, 1200), Triple(image.altText, image.order, image.width))
        assertEquals(listOf("item.json"), files(id))
    }

    @Test
    fun `the screen is told each step`() = test {
        val (sending, processing) = CompletableFuture<UploadState>() to CompletableFuture<UploadState>()
        app.onToken = {
            if (app.asked.size == 3) sending.get(30, TimeUnit.SECONDS) // Before it is confirmed.
            if (app.asked.size == 4) processing.get(30, TimeUnit.SECONDS)
        }
        val id = enqueue(Shop.newAd())
        withNetwork(id) {
            queue.observe(id).takeWhile { it !is UploadState.Done }.collect {
                if (it is UploadState.Sending) sending.complete(it)
                if (it is UploadState.Processing) processing.complete(it)
            }
        }
        assertEquals(Shop.photo.size.toLong(), (sending.get() as UploadState.Sending).total)
    }

    @Test
    fun `two photos with the same name are two images`() = test {
        val ad = Shop.newAd()
        val ids = listOf(enqueue(ad, photo("a")), enqueue(ad, photo("b")))
        val images = ids.map { online<UploadState.Done>(it).image.id }
        assertEquals(images.toSet(), published(ad).toSet())
        assertEquals(2, images.toSet().size)
    }

    @Test
    fun `a photo that the broker rejects has failed with the reason`() = test {
        val id = enqueue(Shop.newAd(), photo(bytes = "no photo".toByteArray()))
        val failed = online<UploadState.Failed>(id)
        assertEquals(UploadState.Failed("upload_rejected", "not_an_image", canRetry = false), failed)
        assertEquals(listOf("item.json"), files(id))
    }

    @Test
    fun `a cancelled upload releases its slot`() = test {
        val ad = Shop.newAd()
        app.onToken = { if (app.asked.size == 3) error("signed out") } // When the file is sent, before it is confirmed.
        val id = enqueue(ad)
        assertEquals(UploadState.Failed("token_failed", null, canRetry = true), online<UploadState.Failed>(id))
        assertEquals(1, Shop.unfinished(ad).size)
        queue.cancel(id)
        assertEquals(UploadState.Cancelled, until<UploadState.Cancelled>(id))
        withNetwork(id) { finished(id) }
        assertEquals(0, Shop.unfinished(ad).size)
        assertEquals(listOf("item.json"), files(id))
    }

    @Test
    fun `an upload that was cancelled before it had a network never starts`() = test {
        val ad = Shop.newAd()
        val id = enqueue(ad)
        queue.cancel(id)
        withNetwork(id) { finished(id) }
        assertEquals(UploadState.Cancelled, until<UploadState.Cancelled>(id))
        assertEquals(0, Shop.unfinished(ad).size + published(ad).size)
    }

    @Test
    fun `no change is lost while a screen reads the upload`() = test {
        val id = enqueue(1)
        coroutineScope {
            val screen = launch { while (true) queue.items.find(id).also { yield() } }
            for (order in 1..100) {
                queue.items.update(id) { it.copy(order = order) }
                assertEquals(order, queue.items.find(id)?.order)
            }
            screen.cancel()
        }
    }

    @Test
    fun `an id that was never enqueued is unknown`() = test {
        assertEquals(UploadState.Unknown, until<UploadState.Unknown>("1"))
    }

    private fun published(ad: Long): List<Long> =
        Shop.images(ad).map { it.jsonObject.getValue("id").jsonPrimitive.long }
}
