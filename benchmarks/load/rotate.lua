-- Sends the requests in a file in turn. The file has raw requests, each followed by a NUL byte.
-- Arguments: the file, the index of the first request, and what to do after the last one:
-- "cycle" starts again; "once" requests /exhausted, which does not exist, so that the run fails.
local requests, upcoming, once = {}, 0, false

function init(arguments)
   local file = assert(io.open(arguments[1], "rb"))
   local content = file:read("*a")
   file:close()
   for request in content:gmatch("([^%z]+)%z") do
      requests[#requests + 1] = request
   end
   upcoming = tonumber(arguments[2])
   once = arguments[3] == "once"
end

function request()
   if upcoming >= #requests then
      if once then
         return "GET /exhausted HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
      end
      upcoming = 0
   end
   upcoming = upcoming + 1
   return requests[upcoming]
end

function done(summary, latency, _)
   local errors = summary.errors
   io.write(string.format(
      'SUMMARY {"requests":%d,"microseconds":%d,"connect":%d,"read":%d,"write":%d,'
         .. '"status":%d,"timeout":%d,"p50":%d,"p99":%d}\n',
      summary.requests, summary.duration, errors.connect, errors.read, errors.write,
      errors.status, errors.timeout, latency:percentile(50), latency:percentile(99)
   ))
end
