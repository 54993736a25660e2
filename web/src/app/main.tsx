/** Starts the web client. */
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { followOtherTabs } from "../session/accounts";
import { App } from "./App";
import { Fault } from "./fault";

followOtherTabs();
createRoot(document.getElementById("root")!).render(<StrictMode><Fault><App /></Fault></StrictMode>);
