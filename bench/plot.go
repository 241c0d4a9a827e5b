package main

import (
	"image/color"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

var (
	blue = color.RGBA{R: 0x30, G: 0x66, B: 0xb0, A: 0xff}
	red  = color.RGBA{R: 0xc0, G: 0x39, B: 0x2b, A: 0xff}
	grey = color.RGBA{R: 0xa0, G: 0xa0, B: 0xa0, A: 0xff}
)

const width = 18 * vg.Centimeter

// A bar is one line of a plot.
type bar struct {
	name   string
	length float64
	color  color.Color
}

func (r *report) writePlots(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if err := r.plotTargets(filepath.Join(folder, "targets.svg")); err != nil {
		return err
	}
	return r.plotStart(filepath.Join(folder, "start.svg"))
}

// plotTargets draws how much of each target is used up: 1 is all of it.
func (r *report) plotTargets(file string) error {
	var bars []bar
	for i, v := range r.verdicts() {
		used := v.ratio / v.most
		if v.least > 0 {
			used = v.least / v.ratio
		}
		shade := blue
		if !v.met() {
			shade = red
		}
		if v.most > 0 || v.least > 0 {
			bars = append(bars, bar{strconv.Itoa(i + 1), used, shade}) // as the page numbers them
		}
	}
	return draw(file, "how much of its target each line of the table uses up (1: all of it)", bars, 1)
}

// plotStart draws what programs take from their start to their end.
func (r *report) plotStart(file string) error {
	s := r.study(peers.name)
	if s == nil {
		return nil
	}
	var bars []bar
	for i, w := range s.Ways {
		shade := grey
		if i == 0 {
			shade = blue
		}
		bars = append(bars, bar{w.Name, median(w.Rounds) / 1e6, shade})
	}
	return draw(file, "process start to 50 variables, milliseconds", bars, 0)
}

// draw draws horizontal bars, if there are any, the first one at the top, and a
// line at limit unless that is 0.
func draw(file, title string, bars []bar, limit float64) error {
	if len(bars) == 0 {
		return nil
	}
	bars = slices.Clone(bars)
	slices.Reverse(bars)
	p := plot.New()
	p.X.Label.Text = title
	p.X.Min = 0
	var names []string
	for i, b := range bars {
		chart, err := plotter.NewBarChart(plotter.Values{b.length}, vg.Points(10))
		if err != nil {
			return err
		}
		chart.Horizontal, chart.XMin, chart.Color = true, float64(i), b.color
		chart.LineStyle.Width = 0
		p.Add(chart)
		names = append(names, b.name)
	}
	p.NominalY(names...)
	p.X.Max *= 1.02
	p.Y.Label.Text = " " // a margin
	if limit > 0 {
		line, err := plotter.NewLine(plotter.XYs{{X: limit, Y: -0.5}, {X: limit, Y: float64(len(bars)) - 0.5}})
		if err != nil {
			return err
		}
		p.Add(line)
	}
	return p.Save(width, vg.Points(float64(60+18*len(bars))), file)
}
