// TodoMVC in React, its list kept in localStorage.
import { useEffect, useRef, useState } from "react";
import { createRoot } from "react-dom/client";

const FILTERS = { All: () => true, Active: (todo) => !todo.done, Completed: (todo) => todo.done };

function Item({ todo, change, remove }) {
  const [draft, setDraft] = useState(null);
  const field = useRef(null);
  useEffect(() => field.current?.focus(), [draft === null]);
  const commit = () => {
    if (draft === null) return;
    draft.trim() ? change({ ...todo, title: draft.trim() }) : remove();
    setDraft(null);
  };
  return (
    <li className={todo.done ? "completed" : ""}>
      {draft === null ? (
        <>
          <input type="checkbox" aria-label={`Toggle ${todo.title}`} checked={todo.done}
            onChange={() => change({ ...todo, done: !todo.done })} />
          <label onDoubleClick={() => setDraft(todo.title)}>{todo.title}</label>
          <button className="destroy" aria-label={`Delete ${todo.title}`} onClick={remove}>×</button>
        </>
      ) : (
        <input className="edit" aria-label="Edit" ref={field} value={draft} onBlur={commit}
          onChange={(event) => setDraft(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter") commit();
            if (event.key === "Escape") setDraft(null);
          }} />
      )}
    </li>
  );
}

function App() {
  const [todos, setTodos] = useState(() => JSON.parse(localStorage.todos ?? "[]"));
  const [draft, setDraft] = useState("");
  const [filter, setFilter] = useState("All");
  useEffect(() => { localStorage.todos = JSON.stringify(todos); }, [todos]);
  const left = todos.filter((todo) => !todo.done).length;
  const add = (event) => {
    event.preventDefault();
    if (draft.trim()) setTodos([...todos, { id: Date.now(), title: draft.trim(), done: false }]);
    setDraft("");
  };
  return (
    <section>
      <h1>todos</h1>
      <form onSubmit={add}>
        <input aria-label="New todo" placeholder="What needs to be done?" autoFocus value={draft}
          onChange={(event) => setDraft(event.target.value)} />
      </form>
      <ul>
        {todos.filter(FILTERS[filter]).map((todo) => (
          <Item key={todo.id} todo={todo}
            change={(changed) => setTodos(todos.map((one) => (one === todo ? changed : one)))}
            remove={() => setTodos(todos.filter((one) => one !== todo))} />
        ))}
      </ul>
      <footer>
        <strong>{left} {left === 1 ? "item" : "items"} left</strong>{" "}
        {Object.keys(FILTERS).map((name) => (
          <button key={name} aria-pressed={name === filter} onClick={() => setFilter(name)}>{name}</button>
        ))}
        <button onClick={() => setTodos(todos.filter((todo) => !todo.done))}>Clear completed</button>
      </footer>
    </section>
  );
}

createRoot(document.getElementById("app")).render(<App />);
