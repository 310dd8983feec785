import "./style.css";
import { countCharacters } from "./counter.js";
import { showLocalTimes } from "./times.js";

// The page works without any of this; the script only makes it more comfortable.
countCharacters(document.querySelector("#id_text"), document.querySelector("#left"));
showLocalTimes(document.querySelectorAll("time"));
