/** Show the server's UTC times in the visitor's time zone and language. */
export function showLocalTimes(elements) {
    const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
    for (const element of elements) {
        element.textContent = format.format(new Date(element.dateTime));
    }
}
