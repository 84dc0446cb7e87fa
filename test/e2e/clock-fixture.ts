/** Loaded before the server: at SIGUSR2 the wall clock steps back by an hour, as a set clock would. */
const HOUR_MS = 3_600_000;

const realNow = Date.now.bind(Date);
let behindMs = 0;
Date.now = () => realNow() - behindMs;
process.on("SIGUSR2", () => {
  behindMs += HOUR_MS;
});
