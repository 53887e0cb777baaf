// A code editor whose program runs in the page.
import { javascript } from "@codemirror/lang-javascript";
import { basicSetup, EditorView } from "codemirror";

const source = `function total(prices) {
  let sum = 1;
  for (const price of prices) sum += price;
  return sum;
}
say(total([2, 3, 5]));
`;
const view = new EditorView({ doc: source, extensions: [basicSetup, javascript()], parent: document.getElementById("editor") });
const output = document.getElementById("output");
document.getElementById("run").onclick = () => {
  const said = [];
  try {
    new Function("say", view.state.doc.toString())((text) => said.push(text));
  } catch (error) {
    said.push(String(error));
  }
  output.textContent = `it says ${said.join(", ")}`;
};
