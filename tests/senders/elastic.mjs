// One client of Elasticsearch or OpenSearch sends documents with `_id`s and says how each item ended:
// elastic.mjs elastic|opensearch|helper URL TOKEN PREFIX COUNT
import { Client as Elastic } from "@elastic/elasticsearch";
import { Client as OpenSearch } from "@opensearch-project/opensearch";

const [kind, node, token, prefix, count] = process.argv.slice(2);
const documents = [...Array(Number(count)).keys()].map((n) => ({ id: `${prefix}-${n}`, message: `${prefix} ${n}` }));

if (kind === "opensearch") {
    const client = new OpenSearch({ node, auth: { username: "any", password: token } });
    const who = await client.info();
    const answer = await client.bulk({
        index: "logs",
        body: documents.flatMap((d) => [{ create: { _id: d.id } }, d]),
    });
    console.log(JSON.stringify({ version: who.body.version.number, errors: answer.body.errors,
        statuses: answer.body.items.map((i) => i.create.status) }));
} else if (kind === "helper") {
    const client = new Elastic({ node, auth: { apiKey: { id: "any", api_key: token } }, compression: true });
    const dropped = [];
    const answer = await client.helpers.bulk({
        datasource: documents,
        onDocument: (d) => ({ create: { _index: "logs", _id: d.id } }),
        onDrop: (d) => dropped.push(d.status),
        flushBytes: 2000, concurrency: 3, retries: 2, wait: 100,
    });
    console.log(JSON.stringify({ total: answer.total, successful: answer.successful, failed: answer.failed, dropped }));
} else {
    const client = new Elastic({ node, auth: { apiKey: { id: "any", api_key: token } } });
    const who = await client.info();
    const health = await client.cluster.health();
    await client.indices.putIndexTemplate({ name: "logs", index_patterns: ["logs*"] });
    const answer = await client.bulk({ operations: documents.flatMap((d) => [{ index: { _index: "logs", _id: d.id } }, d]) });
    console.log(JSON.stringify({ version: who.version.number, health: health.status, errors: answer.errors,
        statuses: answer.items.map((i) => i.index.status) }));
}
