// A paddle, a ball and bricks (kontra): a loop of animation frames, keys that are held, and chance.
import { GameLoop, Sprite, init, initKeys, keyPressed, randInt } from "kontra";

const { canvas } = init("game");
initKeys();
const said = document.getElementById("said");
const paddle = Sprite({ x: 130, y: 280, width: 60, height: 8, color: "navy" });
const ball = Sprite({ x: randInt(60, 240), y: 150, width: 8, height: 8, color: "crimson", dx: 1.5, dy: 2 });
const bricks = Array.from({ length: 18 }, (_, n) =>
  Sprite({ x: 10 + (n % 6) * 50, y: 20 + Math.floor(n / 6) * 20, width: 46, height: 14, color: "teal" }));
let score = 0;
let bounces = 0;

const meets = (one, other) =>
  one.x < other.x + other.width && one.x + one.width > other.x && one.y < other.y + other.height && one.y + one.height > other.y;
const loop = GameLoop({
  update() {
    if (keyPressed("arrowleft")) paddle.x = Math.max(0, paddle.x - 4);
    if (keyPressed("arrowright")) paddle.x = Math.min(260, paddle.x + 4);
    ball.update();
    if (ball.x < 0 || ball.x > 312) ball.dx = -ball.dx;
    if (ball.y < 0) ball.dy = Math.abs(ball.dy);
    if (ball.dy > 0 && meets(ball, paddle)) {
      ball.dy = -ball.dy;
      bounces++;
    }
    const hit = bricks.findIndex((brick) => meets(ball, brick));
    if (hit >= 0) {
      bricks.splice(hit, 1);
      ball.dy = -ball.dy;
      score += 10;
      said.textContent = `score ${score}`;
    }
    if (ball.y > 300) {
      loop.stop();
      said.textContent = `over: score ${score}, ball at ${ball.x.toFixed(1)}, paddle at ${paddle.x}`;
    }
  },
  render() {
    for (const thing of [paddle, ball, ...bricks]) thing.render();
  },
});
document.getElementById("start").onclick = (event) => {
  event.target.blur();
  event.target.disabled = true;
  said.textContent = "score 0";
  loop.start();
};
