/** Starts the web client. */
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { followOtherTabs } from "../session/accounts";
import { App } from "./App";

followOtherTabs();
createRoot(document.getElementById("root")!).render(<StrictMode><App /></StrictMode>);
