/** The browser alone, and nothing that it would like to ask the network for by itself. */
export const QUIET_CHROMIUM = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-default-apps",
  "--disable-domain-reliability",
  "--disable-extensions",
  "--disable-sync",
  "--disable-features=OptimizationHints,MediaRouter,NetworkTimeServiceQuerying",
  "--metrics-recording-only",
  "--password-store=basic",
  "--use-mock-keychain",
];
