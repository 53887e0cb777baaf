// Reads a stream of events by Node's fetch, as they come.
const decoder = new TextDecoder();
for await (const chunk of (await fetch(`${process.argv[2]}/events`)).body) process.stdout.write(decoder.decode(chunk));
