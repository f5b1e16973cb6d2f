// Draws the table of jobs from the page's JSON columns.
(function () {
    "use strict";

    const data = JSON.parse(document.getElementById("data").textContent);

    function unpack(column) {
        const values = column.values || column.place.map((i) => column.distinct[i]);
        return column.kind === "number" ? values.map((v) => (v === null ? null : Number(v))) : values;
    }

    function makeRows() {
        const rows = Array.from({ length: data.rows }, () => ({}));
        data.columns.forEach((column, c) => {
            unpack(column).forEach((value, i) => (rows[i]["c" + c] = value));
        });
        return rows;
    }

    // Missing numbers come last in both directions.
    function compareNumbers(a, b, rowA, rowB, column, direction) {
        if (a === null || b === null) {
            const missing = a === b ? 0 : a === null ? 1 : -1;
            return direction === "asc" ? missing : -missing;
        }
        return a < b ? -1 : a > b ? 1 : 0;
    }

    const near = (a, b) => a === b || Math.abs(a - b) <= 1e-6 * Math.max(Math.abs(a), Math.abs(b));
    const tests = {
        "<": (v, w) => v < w,
        ">": (v, w) => v > w,
        "<=": (v, w) => v < w || near(v, w),
        ">=": (v, w) => v > w || near(v, w),
        "=": near,
        "!=": (v, w) => !near(v, w),
    };

    // '0.1', '<= 0.1' or '0.1..0.5', with or without spaces. Anything else, such as half an input, hides no row.
    function matchNumber(wanted, value) {
        const words = String(wanted).trim();
        const range = words.split("..");
        const [, operator, rest] = /^(<=|>=|!=|==|<|>|=)?(.*)$/.exec(words);
        if (range.length === 2 && range.every((end) => end.trim() !== "" && !isNaN(end))) {
            return value !== null && tests[">="](value, Number(range[0])) && tests["<="](value, Number(range[1]));
        }
        if (rest.trim() === "" || isNaN(rest)) {
            return true;
        }
        return value !== null && tests[(operator || "=").replace("==", "=")](value, Number(rest));
    }

    const matchWords = (wanted, value) => value.toLowerCase().includes(String(wanted).trim().toLowerCase());

    function choice(options) {
        return function (cell, onRendered, success) {
            const select = document.createElement("select");
            select.append(new Option("", ""), ...options.map((word) => new Option(word, word)));
            select.addEventListener("change", () => success(select.value));
            return select;
        };
    }

    function span(words, kind, help) {
        const element = document.createElement("span");
        element.textContent = words;
        element.className = kind;
        element.title = help || "";
        return element;
    }

    function showNumber(cell) {
        const value = cell.getValue();
        return value === null ? "" : String(Number(value.toPrecision(6)));
    }

    // Wide enough for all rows: Tabulator measures only the rows in view.
    function widthOf(column) {
        const values = column.distinct || column.values;
        const stride = Math.ceil(values.length / 1000);
        const longest = values
            .filter((v, i) => i % stride === 0 && v !== null)
            .reduce((most, v) => Math.max(most, showNumber({ getValue: () => Number(v) }).length), 5);
        return 9 * longest + 12;
    }

    function showState(cell) {
        return span(cell.getValue(), "state " + cell.getValue());
    }

    function define(column, c) {
        const definition = {
            field: "c" + c,
            title: column.name,
            titleFormatter: () => span(column.name.replaceAll("_", " "), "", column.help),
            frozen: column.name === "job",
            maxInitialWidth: 320,
        };
        if (column.kind === "number") {
            return Object.assign(definition, {
                hozAlign: "right",
                minWidth: widthOf(column),
                sorter: compareNumbers,
                formatter: showNumber,
                headerFilter: "input",
                headerFilterFunc: matchNumber,
            });
        }
        const few = column.distinct && column.distinct.length <= 24 && column.name !== "message";
        return Object.assign(definition, {
            sorter: "string",
            formatter: column.name === "status" ? showState : "plaintext",
            headerFilter: few ? choice(column.distinct) : "input",
            headerFilterFunc: few ? "=" : matchWords,
        });
    }

    const shown = document.getElementById("shown");
    const table = new Tabulator("#table", {
        data: makeRows(),
        columns: data.columns.map(define),
        layout: "fitDataFill",
        maxHeight: "32rem",
        placeholder: "no such job",
    });
    table.on("dataFiltered", (filters, rows) => {
        shown.textContent = rows.length.toLocaleString("en") + " of " + data.rows.toLocaleString("en") + " rows";
    });
})();
