// What a script does with Node's fetch: several requests at once, a form, a stream.
const url = process.argv[2];
try {
  const many = await Promise.all([0, 1, 2, 3, 4].map((n) => fetch(`${url}/anything/${n}`).then((r) => r.json())));
  console.log(many.map((one) => one.url.slice(url.length)).join(" "));
  const form = new FormData();
  form.set("name", "ada");
  form.set("file", new Blob(["content of a file"]), "a.txt");
  const posted = await (await fetch(`${url}/anything`, { method: "POST", body: form })).json();
  console.log(posted.form.name, posted.files.file);
  let bytes = 0;
  for await (const chunk of (await fetch(`${url}/stream-bytes/50000?seed=3`)).body) bytes += chunk.length;
  console.log(bytes, "bytes", (await fetch(`${url}/status/404`)).status);
} catch (error) {
  console.log("fetch:", error.cause?.code ?? error.cause?.message ?? error.message);
  process.exitCode = 1;
}
