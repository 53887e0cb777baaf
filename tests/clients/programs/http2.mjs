// Node's http2 through a tunnel of the proxy that the environment names: three streams at once on one connection.
import http from "node:http";
import http2 from "node:http2";
import tls from "node:tls";

const url = new URL(process.argv[2]);
const proxy = new URL(process.env.https_proxy);
http.request({ host: proxy.hostname, port: proxy.port, method: "CONNECT", path: url.host })
  .on("connect", (_, socket) => {
    const secure = tls.connect({ socket, servername: url.hostname, ALPNProtocols: ["h2"] }, () => {
      const session = http2.connect(url, { createConnection: () => secure });
      const ask = (path) => new Promise((resolve) => {
        let text = "";
        const stream = session.request({ ":path": path });
        stream.on("data", (data) => (text += data)).on("end", () => resolve(JSON.parse(text).url)).end();
      });
      Promise.all(["/anything/a", "/anything/b", "/anything/c"].map(ask)).then((urls) => {
        console.log(secure.alpnProtocol, urls.map((one) => new URL(one).pathname).join(" "));
        session.close();
      });
    });
  })
  .end();
