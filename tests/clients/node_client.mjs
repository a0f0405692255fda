// Node's fetch. Prints what it got as JSON. Usage: node node_client.mjs BASE FACTS
import { createHash } from "node:crypto";

const [base, text] = process.argv.slice(2);
const facts = JSON.parse(text);
const content = size => Uint8Array.from({ length: size }, (_, i) => i % 251);
const digest = data => createHash("sha256").update(new Uint8Array(data)).digest("hex");
const ask = (path, options) => fetch(base + path, options);
const bytes = async answer => (await answer).arrayBuffer();
const json = async answer => (await answer).json();

function pieces(size) {
    const data = content(size);
    let start = 0;
    return new ReadableStream({
        pull(controller) {
            if (start >= size) return controller.close();
            controller.enqueue(data.slice(start, (start += facts.chunk)));
        },
    });
}

const found = {};
// It hands a connection back a moment after the body: of many requests most find one.
const ports = new Set();
for (let i = 0; i < 20; i++) ports.add(await json(ask("/peer")));
found.kept = ports.size <= 2;
const streamed = createHash("sha256");
for await (const piece of (await ask("/stream")).body) streamed.update(piece);
found.stream = streamed.digest("hex");
found.large = digest(await bytes(ask("/large")));
const sent = await json(ask("/digest", { method: "POST", body: pieces(facts.streamed), duplex: "half" }));
found.sent = [sent.size, sent.sha256, sent.chunked];
found.both_ways = digest(await bytes(ask("/both-ways", { method: "POST", body: pieces(facts.both_ways), duplex: "half" })));
const form = new FormData();
for (const [name, size] of facts.files) form.append("files", new Blob([content(size)]), name);
found.upload = await json(ask("/upload", { method: "POST", body: form }));
const part = await ask("/files/large.bin", { headers: { Range: "bytes=100-199" } });
found.range = [part.status, part.headers.get("content-range"), digest(await part.arrayBuffer())];
const same = await ask("/files/large.bin", { headers: { "If-None-Match": part.headers.get("etag") } });
found.conditional = [same.status, (await same.arrayBuffer()).byteLength];
const head = await ask("/large", { method: "HEAD" });
found.head = [head.status, head.headers.get("content-length"), (await head.arrayBuffer()).byteLength];
const refused = await ask("/small", { method: "POST", body: content(2000) });
found.too_large = refused.status;
await refused.arrayBuffer();
found.after = Number.isInteger(await json(ask("/peer")));
console.log(JSON.stringify(found));
