onmessage = async () => postMessage((await (await fetch("data.json")).json()).worker);
