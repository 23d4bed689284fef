// OpenTelemetry's own exporter sends records, and says how that ended: otlp.mjs proto|http URL TOKEN PREFIX COUNT
import { OTLPLogExporter as Proto } from "@opentelemetry/exporter-logs-otlp-proto";
import { OTLPLogExporter as Http } from "@opentelemetry/exporter-logs-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { LoggerProvider, BatchLogRecordProcessor } from "@opentelemetry/sdk-logs";

const [kind, url, token, prefix, count] = process.argv.slice(2);
const exporter = new (kind === "proto" ? Proto : Http)({
    url, headers: { Authorization: `Bearer ${token}` }, compression: kind === "proto" ? "gzip" : "none",
});
const send = exporter.export.bind(exporter);
const codes = [];
exporter.export = (records, done) => send(records, (result) => { codes.push(result.code); done(result); });
const processor = new BatchLogRecordProcessor(process.env.OTLP_OLD ? exporter : { exporter });
const provider = new LoggerProvider({
    resource: resourceFromAttributes({ "service.name": "shop", "host.name": "web-1.acme.example" }),
    processors: [processor],
});
const logger = provider.getLogger("orders", "1.2.3");
for (let n = 0; n < Number(count); n++)
    logger.emit({ severityNumber: 9, severityText: "INFO", body: `${prefix} ${n}`,
        attributes: { n, half: n / 2, paid: n % 2 === 0, tags: ["a", "b"] } });
await provider.shutdown();
console.log(JSON.stringify({ codes }));
