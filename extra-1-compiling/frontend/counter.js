/** Show how many characters a text area still takes. */
export function countCharacters(area, output) {
    const show = () => {
        output.textContent = `${area.maxLength - area.value.length} characters left`;
    };
    area.addEventListener("input", show);
    show();
}
