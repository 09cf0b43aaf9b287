import kotlinx.coroutines.runBlocking
import uploadbroker.Broker
import uploadbroker.Owner
import uploadbroker.Source
import uploadbroker.Tokens
import java.io.File
import kotlin.system.exitProcess

/** Uploads photo.jpg with the installed client; prints where the client is, and the photo's URL. */
fun main() {
    val settings = System.getenv()
    val broker = Broker(settings.getValue("BROKER_URL"), Tokens { _, _ -> settings.getValue("TOKEN") })
    val owner = Owner.ad(settings.getValue("AD").toLong())
    val image = runBlocking { broker.upload(Source.file(File("photo.jpg")), owner, altText = "Kotlin") }
    val client = Broker::class.java.protectionDomain.codeSource.location.path
    println("""{"client": "$client", "url": "${image.imageUrl}"}""")
    exitProcess(0) // OkHttp's threads would wait for a minute.
}
