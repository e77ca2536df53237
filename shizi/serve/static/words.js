// What the page says, in Chinese and in English.

const WORDS = {
  zh: {
    pick: "选择文件", drop: "把图片或 PDF 拖到这里", kinds: "或者粘贴、点击选择；可以一次多个",
    tap: "点这里选图片或 PDF", several: "可以一次多个",
    local: "文件只送到这台服务器，读完即弃", language: "English",
    pages: "页面", picture: "图片", reading: "文字", smaller: "缩小", larger: "放大", fit: "适合宽度",
    search: "查找", copy: "复制全文", copied: "已复制", download: "下载…", collect: "加入训练集",
    token: "这个服务要口令", go: "继续", waiting: "等待中", busy: "正在读…", again: "服务忙，稍后再试",
    nothing: "没有读到文字", hint: "双击一行可以改字",
    changed: (n) => `改了 ${n} 行`, kept: (n) => `训练集现有 ${n} 行`,
    hits: (i, n) => (n ? `${i}/${n}` : "没有"), lines: (n) => `${n} 行`,
    turned: (a) => `转了 ${a}°`, before: (n) => `${n} 页保留原有的文字，没有加上读到的`,
    offline: "连不上服务",
  },
  en: {
    pick: "Choose files", drop: "Drop pictures or PDFs here", kinds: "or paste, or click to choose; several at once",
    tap: "Tap to choose pictures or PDFs", several: "several at once",
    local: "Files go to this server alone, and are not kept", language: "中文",
    pages: "Pages", picture: "Picture", reading: "Text", smaller: "Smaller", larger: "Larger", fit: "Fit width",
    search: "Search", copy: "Copy all", copied: "Copied", download: "Download…", collect: "Add to training set",
    token: "This service asks for a token", go: "Go on", waiting: "Waiting", busy: "Reading…", again: "Busy; trying again",
    nothing: "No text was found", hint: "Double-click a line to correct it",
    changed: (n) => `${n} line${n === 1 ? "" : "s"} corrected`, kept: (n) => `${n} lines in the training set`,
    hits: (i, n) => (n ? `${i}/${n}` : "none"), lines: (n) => `${n} line${n === 1 ? "" : "s"}`,
    turned: (a) => `turned by ${a}°`, before: (n) => `${n} page${n === 1 ? " keeps" : "s keep"} the text of before; nothing was added`,
    offline: "The service cannot be reached",
  },
};

let language = localStorage.getItem("language")
  ?? (navigator.languages.find((name) => /^(zh|en)/.test(name)) ?? "zh").slice(0, 2);

export const word = (name, ...values) => {
  const found = WORDS[language][name];
  return typeof found === "function" ? found(...values) : found;
};

export function speak() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  const touch = matchMedia("(pointer: coarse)").matches; // nothing can be dropped there
  for (const element of document.querySelectorAll("[data-word]")) {
    const { word: name, touch: other } = element.dataset;
    element.textContent = word((touch && other) || name);
  }
  for (const element of document.querySelectorAll("[data-label]")) element.ariaLabel = element.title = word(element.dataset.label);
  for (const element of document.querySelectorAll("[data-hint]")) element.placeholder = element.ariaLabel = word(element.dataset.hint);
  const button = document.getElementById("language");
  button.textContent = word("language");
  button.lang = language === "zh" ? "en" : "zh";
}

export function switchLanguage() {
  language = language === "zh" ? "en" : "zh";
  localStorage.setItem("language", language);
  speak();
}
