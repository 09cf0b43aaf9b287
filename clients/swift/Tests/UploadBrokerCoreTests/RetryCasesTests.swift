import Foundation
import XCTest

@testable import UploadBrokerCore

/// tests/retry_cases.json of the broker's repository, which every client runs.
final class RetryCasesTests: XCTestCase {
    struct Table: Decodable { let cases: [Case], answers: [Answer] }
    struct Case: Decodable {
        let name: String, phase: String, from: String, status: Int, action: String
        let code: String?, message: String?, retry_after: Double?, tries: Int?, after_seconds: Double?
        let swift: Override?
    }
    struct Override: Decodable { let action: String?, after_seconds: Double?, code: String? }
    struct Answer: Decodable {
        let name: String, status: Int, headers: [String: String]?, body: String, from: String
    }

    static let table: Table = {
        let root = (0..<5).reduce(URL(fileURLWithPath: #filePath)) { url, _ in url.deletingLastPathComponent() }
        let data = try! Data(contentsOf: root.appendingPathComponent("tests/retry_cases.json"))
        return try! JSONDecoder().decode(Table.self, from: data)
    }()
    let policy = RetryPolicy(jitter: { 1 })

    func testTheRulesDecideAsTheTableSays() {
        var run = 0
        for row in RetryCasesTests.table.cases {
            guard let phase = Phase(rawValue: row.phase) else { continue }  // This client requests no batches.
            run += 1
            let own = row.from == "nobody" ? "network" : "unexpected_answer"
            let isS3 = phase == .send || phase == .part
            let tries = row.tries ?? 1
            let failure = Failure(
                status: row.status, code: row.swift?.code ?? row.code ?? own, message: row.message ?? "",
                retryAfter: row.retry_after, fromProxy: isS3 && row.from == "proxy", tries: tries)
            let decision = policy.decide(phase, failure)
            XCTAssertEqual(decision.rawValue, row.swift?.action ?? row.action, "\(row.phase): \(row.name)")
            if let seconds = row.swift?.after_seconds ?? row.after_seconds, decision == .retry {
                XCTAssertEqual(secondsToWait(policy.backoff(tries), row.retry_after), seconds, row.name)
            }
        }
        XCTAssertGreaterThan(run, 100)
    }

    func testS3sAnswersAreTold() {
        for row in RetryCasesTests.table.answers {
            let answer = S3Answer(status: row.status, headers: row.headers ?? [:], body: Data(row.body.utf8))
            XCTAssertEqual(answer.isFromS3, row.from == "s3", row.name)
        }
    }

    func testPausesDoubleUpToALimit() {
        XCTAssertEqual([1, 2, 3, 12, 99].map(policy.backoff), [0.5, 1, 2, 900, 900])
        XCTAssertEqual(policy.pollPause(0), 1)
        XCTAssertEqual(policy.pollPause(99), 15)
        XCTAssertEqual(secondsToWait(1, 99_999), 3600)
    }
}
