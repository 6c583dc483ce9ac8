// What every page does: follow the lab, act on buttons and keys.
import { follow } from "./live.js";
import "./actions.js";
import "./keys.js";

follow();
document.querySelector(".rail [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" }); // a phone's
