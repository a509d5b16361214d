import { mount } from "svelte";
import App from "./App.svelte";
import { start } from "./lib/router.svelte";
import { startText } from "./lib/text.svelte";
import { startTheme } from "./lib/theme.svelte";
import { startWalk } from "./lib/walk.svelte";
import "./style/tokens.css";
import "./style/base.css";

const target = document.getElementById("app");
if (target) {
  startTheme();
  start();
  startWalk();
  void startText().then(() => mount(App, { target }));
}
